import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

export interface AwsSdk {
  readonly AbortMultipartUploadCommand: typeof AbortMultipartUploadCommand;
  readonly CompleteMultipartUploadCommand: typeof CompleteMultipartUploadCommand;
  readonly CreateMultipartUploadCommand: typeof CreateMultipartUploadCommand;
  readonly DeleteObjectCommand: typeof DeleteObjectCommand;
  readonly GetObjectCommand: typeof GetObjectCommand;
  readonly HeadObjectCommand: typeof HeadObjectCommand;
  readonly ListMultipartUploadsCommand: typeof ListMultipartUploadsCommand;
  readonly ListObjectsV2Command: typeof ListObjectsV2Command;
  readonly PutObjectCommand: typeof PutObjectCommand;
  readonly S3Client: typeof S3Client;
  readonly UploadPartCommand: typeof UploadPartCommand;
}

/**
 * What we use of it, and the only place that imports it: about 100 ms to load. It is imported when a bucket is first used, and
 * the CLI's bundle keeps it in a file of its own beside it, since its mere presence made every command slower by 12 to 25 ms.
 */
export const awsSdk: AwsSdk = {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
};
