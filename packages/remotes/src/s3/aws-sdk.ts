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
 * The used parts of the AWS SDK. Only this file imports it: loading takes about 100 ms. It is loaded when a bucket is
 * first used, and the CLI's bundle keeps it in a separate file, because including it made every command 12 to 25 ms
 * slower.
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
